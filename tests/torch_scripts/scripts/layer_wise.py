"""Greedy layer-wise pretraining of two autoencoders, then the stack as a whole: three trainings in a row."""
# expect:
# [[run]]
# count = 2
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", "optimizer.lr" = 0.01}
# models = ["model"]
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "SGD", "optimizer.lr" = 0.1}
# models = ["model"]

import torch
from torch import nn


class Coder(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.encode = nn.Linear(n_in, n_out)
        self.decode = nn.Linear(n_out, n_in)

    def forward(self, x):
        return self.decode(torch.sigmoid(self.encode(x)))


torch.manual_seed(10)
X = torch.rand(160, 12)
y = (X[:, :6].sum(1) > X[:, 6:].sum(1)).long()

sizes = [12, 8, 4]
layers = []
H = X
for depth in range(2):
    coder = Coder(sizes[depth], sizes[depth + 1])
    optimizer = torch.optim.Adam(coder.parameters(), lr=0.01)
    for epoch in range(2):
        #! epoch: epoch
        for h in H.split(40):
            loss = nn.functional.mse_loss(coder(h), h)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss[depth]: loss.item()
        print("layer", depth, "epoch", epoch, "loss", loss.item())
    #! model[depth]: coder(H[:4])
    layers += [coder.encode, nn.Sigmoid()]
    with torch.no_grad():
        H = torch.sigmoid(coder.encode(H))

classifier = nn.Sequential(*layers, nn.Linear(4, 2))
optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1)
for epoch in range(3):
    #! epoch: epoch
    for i in range(0, 160, 40):
        loss = nn.functional.cross_entropy(classifier(X[i : i + 40]), y[i : i + 40])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss[2]: loss.item()
    print("whole epoch", epoch, "loss", loss.item())
#! model[2]: classifier(X[:4])
