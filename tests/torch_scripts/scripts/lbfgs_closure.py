"""The time-sequence example's shape: LBFGS, a closure evaluated several times a step, the full batch."""
# expect:
# [[run]]
# steps = 4
# params = {optimizer = "LBFGS", "optimizer.lr" = 0.5, "optimizer.max_iter" = 5, criterion = "MSELoss", model = "Sequence"}
# models = ["model", "best"]

import torch
import torch.nn as nn
import torch.optim as optim


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 6, batch_first=True)
        self.linear = nn.Linear(6, 1)

    def forward(self, input):
        output, _ = self.gru(input.unsqueeze(-1))
        return self.linear(output).squeeze(-1)


if __name__ == "__main__":
    torch.manual_seed(0)
    data = torch.sin(torch.arange(12)[None] * 0.5 + torch.rand(20, 1) * 6).double()
    input, target = data[3:, :-1], data[3:, 1:]
    test_input, test_target = data[:3, :-1], data[:3, 1:]
    seq = Sequence()
    seq.double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(seq.parameters(), lr=0.5, max_iter=5)
    for i in range(4):
        print("STEP: ", i)

        def closure():
            optimizer.zero_grad()
            out = seq(input)
            loss = criterion(out, target)
            print("loss:", loss.item())
            loss.backward()
            return loss

        first = optimizer.step(closure)
        #! train_loss: first.item()
        with torch.no_grad():
            pred = seq(test_input)
            loss = criterion(pred, test_target)
            print("test loss:", loss.item())
        #! val_loss: loss.item()
    #! model: seq(test_input)
