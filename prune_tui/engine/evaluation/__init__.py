"""How good a model is: the metric measured after each step. A forward runs only here, and only when asked for."""
