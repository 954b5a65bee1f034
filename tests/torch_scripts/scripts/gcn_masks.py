"""The GCN example's shape: a dense adjacency, one train() over a mask, test() for three masks at once."""
# expect:
# [[run]]
# epochs = 15
# steps = 15
# params = {optimizer = "Adam", "optimizer.lr" = 0.02, "optimizer.weight_decay" = 0.0005, model = "GCN", "model.hidden_channels" = 8}
# metrics = {val_accuracy = true, test_accuracy = true}
# models = ["model", "best"]

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(12345)
num_nodes, num_classes = 120, 3
y = torch.arange(num_nodes) % num_classes
x = F.one_hot(y, num_classes).float() + 1.2 * torch.randn(num_nodes, num_classes)
same = (y[:, None] == y[None, :]).float()
adj = (torch.rand(num_nodes, num_nodes) < 0.02 + 0.08 * same).float()
adj = ((adj + adj.t()) > 0).float() + torch.eye(num_nodes)
adj = adj / adj.sum(1, keepdim=True)
order = torch.randperm(num_nodes)
train_mask, val_mask, test_mask = (torch.zeros(num_nodes, dtype=torch.bool) for _ in range(3))
train_mask[order[:40]] = True
val_mask[order[40:75]] = True
test_mask[order[75:]] = True


class GCNConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.lin = nn.Linear(in_channels, out_channels)

    def forward(self, x, adj):
        return adj @ self.lin(x)


class GCN(nn.Module):
    def __init__(self, hidden_channels):
        super().__init__()
        self.conv1 = GCNConv(num_classes, hidden_channels)
        self.conv2 = GCNConv(hidden_channels, num_classes)

    def forward(self, x, adj):
        x = self.conv1(x, adj).relu()
        x = F.dropout(x, p=0.5, training=self.training)
        return self.conv2(x, adj)


model = GCN(hidden_channels=8)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)


def train():
    model.train()
    optimizer.zero_grad()
    out = model(x, adj)
    loss = F.cross_entropy(out[train_mask], y[train_mask])
    loss.backward()
    optimizer.step()
    #! train_loss: loss.item()
    return float(loss.detach())


@torch.no_grad()
def test():
    model.eval()
    out = model(x, adj)
    pred = out.argmax(dim=-1)
    losses, accs = [], []
    for mask in [train_mask, val_mask, test_mask]:
        losses.append(F.cross_entropy(out[mask], y[mask]).item())
        accs.append(int((pred[mask] == y[mask]).sum()) / int(mask.sum()))
    #! val_loss: losses[1]
    #! val_accuracy: accs[1]
    #! test_loss: losses[2]
    #! test_accuracy: accs[2]
    return accs


for epoch in range(1, 16):
    #! epoch: epoch - 1
    loss = train()
    train_acc, val_acc, test_acc = test()
    print(f"Epoch: {epoch:03d}, Loss: {loss}, Train: {train_acc}, Val: {val_acc}, Test: {test_acc}")
#! model: model(x, adj)
