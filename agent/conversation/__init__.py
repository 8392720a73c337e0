"""A conversation: what a line means after the turns before, and what is remembered of each turn."""

from agent.conversation.commands import Command
from agent.conversation.remembering import turn_of_answer, turn_of_investigation
from agent.conversation.turns import ChangeTopic, Choice, ThingTopic, Turn, asked_back, continued
from agent.conversation.understanding import Understood, understand

__all__ = [
    "ChangeTopic",
    "Choice",
    "Command",
    "ThingTopic",
    "Turn",
    "Understood",
    "asked_back",
    "continued",
    "turn_of_answer",
    "turn_of_investigation",
    "understand",
]
