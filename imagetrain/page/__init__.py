"""Evaluation to one self-contained HTML page: no script, no network, light and dark, phone and print.

`view` arranges the numbers of ``metrics.json`` for reading, `svg` draws, `render` fills in ``page.html.jinja``.
"""
