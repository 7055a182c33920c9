"""How far two or many raters agree: chance-corrected coefficients from ratings or label tables."""
