"""PyTorch. Each module says in its header what it watches and records; nothing is imported here.

watch         where it begins
  losses      loss functions and backward;  steps  manual: whose a step is;  loaders  reads  checkpoints
  here        what is going on in this thread, between one event and the next
training      the record of one training;  epoch  notes  settings  thinning  told: what the script itself tells
  evaluation  what is judged without a gradient;  scores: accuracy and errors
  weights     the modules that are trained, and their last and best weights
model         saving and loading: knows none of the others
  named  skeleton  references  assembly  tensor_file
"""
