"""The templates of native code: contractions, loop nests, transpositions, rows of tables."""
