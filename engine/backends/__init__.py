"""PyTorch's `torch.backends`: libraries of others, and their switches (kept, and without effect here)."""

from engine.backends import cpu as cpu
from engine.backends import cuda as cuda
from engine.backends import cudnn as cudnn
from engine.backends import mkl as mkl
from engine.backends import mkldnn as mkldnn
from engine.backends import mps as mps
from engine.backends import openmp as openmp
