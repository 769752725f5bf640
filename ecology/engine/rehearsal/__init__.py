"""Who answers for a rehearsed model: a small author who reads its prompt as a model would, and knows a repertoire."""
