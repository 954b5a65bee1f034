"""Knowledge distillation: a teacher is trained, then frozen; the student learns from both kinds of targets."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", n_parameters = 389}
# models = ["model"]
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adam", n_parameters = 65}
# models = ["model", "best"]

import torch
import torch.nn as nn
import torch.nn.functional as F

T = 2.0
ALPHA = 0.25


def network(width):
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 5))


def train_teacher(teacher, x, y):
    optimizer = torch.optim.Adam(teacher.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    teacher.train()
    for epoch in range(2):
        #! epoch: epoch
        for xb, yb in zip(x.split(50), y.split(50), strict=True):
            optimizer.zero_grad()
            loss = criterion(teacher(xb), yb)
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        print("teacher", epoch, loss.item())
    #! model: teacher(x[:4])


def distill(teacher, student, x, y, x_val, y_val):
    ce_loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(student.parameters(), lr=0.01)
    teacher.eval()
    for epoch in range(3):
        #! epoch: epoch
        student.train()
        for xb, yb in zip(x.split(50), y.split(50), strict=True):
            optimizer.zero_grad()
            with torch.no_grad():
                teacher_logits = teacher(xb)
            student_logits = student(xb)
            soft = F.kl_div(
                F.log_softmax(student_logits / T, dim=-1), F.softmax(teacher_logits / T, dim=-1), reduction="batchmean"
            )
            loss = ALPHA * T * T * soft + (1 - ALPHA) * ce_loss(student_logits, yb)
            loss.backward()
            optimizer.step()
            #! train_loss[1]: loss.item()
        student.eval()
        with torch.no_grad():
            out = student(x_val)
            val_loss = ce_loss(out, y_val).item()
            val_acc = (out.argmax(1) == y_val).float().mean().item()
        #! val_loss[1]: val_loss
        #! val_accuracy[1]: val_acc
        print("student", epoch, loss.item(), val_loss, val_acc)
    #! model[1]: student(x[:4])


torch.manual_seed(22)
x = torch.randn(260, 6)
y = x[:, :5].argmax(1)
teacher, student = network(32), network(5)
train_teacher(teacher, x[:200], y[:200])
distill(teacher, student, x[:200], y[:200], x[200:], y[200:])
