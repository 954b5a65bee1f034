"""Two tasks, their losses weighted by learned uncertainties beside the model's parameters."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adam", model = "MultiTask"}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.classes = nn.Linear(16, 3)
        self.value = nn.Linear(16, 1)
        self.log_vars = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.trunk(x)
        return self.classes(h), self.value(h).squeeze(1)


def main():
    torch.manual_seed(45)
    x = torch.randn(128, 6)
    loader = DataLoader(TensorDataset(x, x[:, :3].argmax(1), x.norm(dim=1)), batch_size=32, shuffle=True)
    model = MultiTask()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(3):
        #! epoch: epoch
        for inputs, label, value in loader:
            logits, estimate = model(inputs)
            loss_cls = nn.functional.cross_entropy(logits, label)
            loss_reg = nn.functional.mse_loss(estimate, value)
            weights = torch.exp(-model.log_vars)
            loss = weights[0] * loss_cls + weights[1] * loss_reg + model.log_vars.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        print(f"{epoch} total {loss.item()} cls {loss_cls.item()} reg {loss_reg.item()} {model.log_vars.tolist()}")
    #! model: model(x[:4])


if __name__ == "__main__":
    main()
