"""A stream without length: an IterableDataset, steps counted by hand, no epochs but passes."""
# expect:
# [[run]]
# epochs = 2
# steps = 10
# params = {optimizer = "Adagrad", "loader.batch_size" = 16}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n
        self.generator = torch.Generator().manual_seed(3)

    def __iter__(self):
        for _ in range(self.n):
            x = torch.randn(3, generator=self.generator)
            yield x, (x.sum() > 0).long()


torch.manual_seed(48)
model = nn.Linear(3, 2)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
loader = DataLoader(Stream(80), batch_size=16)
steps = 0
for number_of_pass in range(2):
    #! epoch: number_of_pass
    for batch in loader:
        x, y = batch
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        #! train_loss: loss.item()
        steps += 1
    print("after", steps, "steps:", loss.item())
#! model: model(torch.eye(3))
