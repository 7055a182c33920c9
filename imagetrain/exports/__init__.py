"""From the numbers of an evaluation to what goes into a paper: tables, data of plots, checklists. Nothing here writes.

`table` is what a table is, and how a number is printed in one; `results`, `comparisons`, `probabilities`, `groups`,
`matrix` and `studies` make them from the metrics, `tables` names them all. `latex`, `word` and `text` turn one into a
file. `checklist` fills in the items of each `guideline` with `answers`. `files` has all files by name.
"""
