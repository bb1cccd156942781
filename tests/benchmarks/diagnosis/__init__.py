"""How well loratui diagnoses: planted faults, healthy runs and error texts, as trainers write them.

`make` invents the logs and knows nothing of loratui; `judge` shows them to it through its own
doors; `cases.yaml` fixes what is planted, where and how large.
"""
