"""The knowledge graph: facts with two clocks, two stores behind one contract, and the search over them."""
