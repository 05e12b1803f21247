"""Analyse layers: tables, costs, receptive fields and the lecture's formulas."""
