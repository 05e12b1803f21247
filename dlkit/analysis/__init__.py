"""What is known of layers: tables, costs, receptive fields and the lecture's formulas."""
