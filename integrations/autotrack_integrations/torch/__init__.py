"""PyTorch. Each module says in its header what it watches and records; nothing is imported here.

model         saving and loading: knows none of the others
  skeleton    a module without its tensors, as bytes
"""
