"""The parts of `bench.worlds`: whole organisations with known truth, made from a seed."""
