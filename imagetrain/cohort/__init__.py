"""Which studies an evaluation is of: how they came to be tested, and how frequent the findings are among them.

`flow` counts what was lost on the way, `prevalence` the labels; `reading` finds both in what the stages have left.
"""
