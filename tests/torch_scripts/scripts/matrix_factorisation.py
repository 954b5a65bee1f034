"""Ratings of films by matrix factorisation: sparse embeddings and SparseAdam, RMSE on held-out ratings."""
# expect:
# [[run]]
# epochs = 3
# steps = 15
# params = {optimizer = "SparseAdam", model = "MatrixFactorization", "model.n_users" = 20, "model.n_items" = 15, "model.n_factors" = 4}
# models = ["model", "best"]

import torch
from torch import nn


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=20):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors, sparse=True)
        self.item_factors = nn.Embedding(n_items, n_factors, sparse=True)

    def forward(self, user, item):
        return (self.user_factors(user) * self.item_factors(item)).sum(1)


torch.manual_seed(57)
users, items = torch.randint(20, (260,)), torch.randint(15, (260,))
ratings = (users % 5 + items % 3).float() / 2
model = MatrixFactorization(n_users=20, n_items=15, n_factors=4)
loss_fn = nn.MSELoss()
optimizer = torch.optim.SparseAdam(model.parameters(), lr=0.05)
for epoch in range(3):
    #! epoch: epoch
    model.train()
    for rows in torch.randperm(200).split(40):
        optimizer.zero_grad()
        loss = loss_fn(model(users[rows], items[rows]), ratings[rows])
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    model.eval()
    with torch.no_grad():
        predicted = model(users[200:], items[200:])
        val_loss = loss_fn(predicted, ratings[200:]).item()
    #! val_loss: val_loss
    #! val_rmse: val_loss**0.5
    #! val_mae: (predicted - ratings[200:]).abs().mean().item()
    print(epoch, loss.item(), val_loss**0.5)
#! model: model(users[:4], items[:4])
