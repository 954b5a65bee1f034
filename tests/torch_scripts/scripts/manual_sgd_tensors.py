"""Two raw tensors and no optimizer, as in the first chapters of the books."""
# expect:
# [[run]]
# epochs = 5
# steps = 20
# models = []

import torch

torch.manual_seed(0)
true_w, true_b = torch.tensor([2.0, -3.4]), 4.2
features = torch.randn(200, 2)
labels = features @ true_w + true_b + 0.01 * torch.randn(200)

w = torch.zeros(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)


def squared_loss(y_hat, y):
    return (y_hat - y) ** 2 / 2


def sgd(params, lr):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad
            param.grad.zero_()


for epoch in range(5):
    #! epoch: epoch
    for i in range(0, 200, 50):
        X, y = features[i : i + 50], labels[i : i + 50]
        loss = squared_loss(X @ w + b, y).mean()
        loss.backward()
        sgd([w, b], lr=0.1)
        #! train_loss: loss.item()
    print(f"epoch {epoch + 1}, loss {loss.item()}")
print("w", w.tolist(), "b", b.tolist())
