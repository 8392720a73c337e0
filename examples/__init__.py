"""The bundled company: Tealeaf, a fictional tea shop, with two years of real formats written by a script."""
