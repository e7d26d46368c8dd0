"""What scores are worth.

`held_out` examples and the model's word on them; `reliability`, `conformal` sets and `priors` of probabilities;
`behaviour` under changes (`editing`). Of a run that exists: `sampling` and `sheets` (which labels would help, and how
they are asked for), `significance` (of differences).
"""
