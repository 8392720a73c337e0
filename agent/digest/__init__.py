"""What a team should know of a day, a week or a month."""
