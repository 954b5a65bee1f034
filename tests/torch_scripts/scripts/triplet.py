"""Triplet margin loss; the share of triplets already right is what is watched."""
# expect:
# [[run]]
# epochs = 4
# steps = 20
# params = {optimizer = "Adam", criterion = "TripletMarginLoss", "criterion.margin" = 0.5}
# models = ["model"]

import torch
from torch import nn


def triplets(X, y, n):
    anchors = torch.randint(len(X), (n,))
    positives, negatives = anchors.clone(), anchors.clone()
    for i, a in enumerate(anchors):
        same = (y == y[a]).nonzero().flatten()
        other = (y != y[a]).nonzero().flatten()
        positives[i] = same[torch.randint(len(same), (1,))]
        negatives[i] = other[torch.randint(len(other), (1,))]
    return X[anchors], X[positives], X[negatives]


def main():
    torch.manual_seed(6)
    y = torch.arange(90) % 3
    X = torch.randn(90, 5) + y[:, None]
    embed = nn.Sequential(nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 3))
    triplet_loss = nn.TripletMarginLoss(margin=0.5)
    optimizer = torch.optim.Adam(embed.parameters(), lr=0.01)
    for epoch in range(4):
        #! epoch: epoch
        for _ in range(5):
            a, p, n = triplets(X, y, 24)
            ea, ep, en = embed(a), embed(p), embed(n)
            loss = triplet_loss(ea, ep, en)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        right = ((ea - ep).norm(dim=1) < (ea - en).norm(dim=1)).float().mean()
        print(f"epoch {epoch}: loss {loss.item()}, right {right.item()}")
    #! model: embed(X[:3])


main()
