"""Libraries that run the training loop for the user. What is trained is recorded by the torch package; each module
here tells it what only the library knows.

fits            a library's loop, from its start to its end
lightning       Lightning, as `lightning` and as `pytorch_lightning`
transformers    the Trainer of Transformers
ignite          engines of Ignite
accelerate      what is logged through Accelerate; its loops are the user's own
"""
