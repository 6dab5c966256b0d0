"""A graph network by matrix products: two communities, a normalised adjacency, semi-supervised labels, graph
attention, pooling.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill
from torch.nn.parameter import Parameter

edges = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (4, 5), (4, 6), (5, 6), (5, 7), (6, 7)]
index = torch.tensor(edges).t()
A = torch.zeros(8, 8)
A[index[0], index[1]] = 1.0
A = A + A.t() + torch.eye(8)
degree = A.sum(1)
D = torch.diag(degree.pow(-0.5))
A_hat = D @ A @ D
print(A_hat[3], degree, (A_hat - A_hat.T).abs().sum())


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        self.bias = Parameter(torch.FloatTensor(out_features))
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / self.weight.size(1) ** 0.5
        self.weight.data.uniform_(-stdv, stdv)
        self.bias.data.uniform_(-stdv, stdv)

    def forward(self, x, adj):
        return torch.mm(adj, torch.mm(x, self.weight)) + self.bias

    def __repr__(self):
        return f"{self.__class__.__name__} ({self.in_features} -> {self.out_features})"


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout=0.0):
        super().__init__()
        self.gc1, self.gc2 = GraphConvolution(nfeat, nhid), GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.dropout(F.relu(self.gc1(x, adj)), self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


model = fill(GCN(8, 4, 2))
features, labels = torch.eye(8), torch.tensor([0] * 4 + [1] * 4)
known = torch.LongTensor([0, 7])
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
for epoch in range(41):
    optimizer.zero_grad()
    output = model(features, A_hat)
    loss = F.nll_loss(output[known], labels[known])
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        print(f"Epoch: {epoch:04d} loss_train: {loss.item():.4f}")
preds = output.max(1)[1].type_as(labels)
print(preds, preds.eq(labels).double().sum() / len(labels), model)


class GAT(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.W, self.a = nn.Linear(inputs, outputs, bias=False), Parameter(torch.empty(2 * outputs))

    def forward(self, h, adj):
        z = self.W(h)
        left, right = self.a.chunk(2)
        e = F.leaky_relu((z @ left)[:, None] + (z @ right)[None, :], 0.2)
        alpha = F.softmax(torch.where(adj > 0, e, torch.full_like(e, -9e15)), dim=1)
        return F.elu(alpha @ z), alpha


out, alpha = fill(GAT(8, 3), seed=2)(features, A)
print(out, alpha.sum(1), (alpha > 0).sum())
messages = torch.zeros(8, 3).index_add(0, index[1], out[index[0]])
pooled = torch.zeros(2, 3).scatter_reduce(
    0, labels[:, None].expand(-1, 3), out.detach(), reduce="amax", include_self=False
)
print(messages.sum(0), pooled)
