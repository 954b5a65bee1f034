"""LBFGS over batches of a loader, with a strong Wolfe line search."""
# expect:
# [[run]]
# epochs = 2
# steps = 6
# params = {optimizer = "LBFGS", "optimizer.line_search_fn" = "strong_wolfe", "loader.batch_size" = 40}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
X = torch.randn(120, 4)
y = (X @ torch.tensor([1.0, -1.0, 2.0, 0.0]) > 0).float()
model = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
bce = nn.BCEWithLogitsLoss()
optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4, line_search_fn="strong_wolfe")


def train_epoch(loader):
    last = None
    for inputs, labels in loader:

        def closure(inputs=inputs, labels=labels):
            optimizer.zero_grad()
            loss = bce(model(inputs), labels) + 1e-3 * model[0].weight.square().sum()
            loss.backward()
            return loss

        last = optimizer.step(closure)
        #! train_loss: last.item()
    return float(last)


for epoch in range(2):
    #! epoch: epoch
    print(epoch, train_epoch(DataLoader(TensorDataset(X, y), batch_size=40)))
#! model: model(X[:5])
