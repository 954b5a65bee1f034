"""PyTorch. Each module says in its header what it watches and records; nothing is imported here.

model           saving and loading; it and what it stands on know none of the others
  named         a module's tensors by name;  tensor_file: as a file
  skeleton      the module without them, as bytes, with references for them;  assembly: and back
  own_source    the user's own modules its classes are defined in
"""
