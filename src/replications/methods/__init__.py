"""The papers' algorithms as a small library: pure torch, no data, no plots, no files."""

from replications.methods.adam_variants import AdamVariant as AdamVariant
from replications.methods.backprop import BPTT as BPTT
from replications.methods.backprop import TruncatedBPTT as TruncatedBPTT
from replications.methods.conjugate_gradient import ConjugateGradient as ConjugateGradient
from replications.methods.decay_hypergradient import decay_hypergradient as decay_hypergradient
from replications.methods.dense_solve import Exact as Exact
from replications.methods.evolution import NRES as NRES
from replications.methods.evolution import PES as PES
from replications.methods.evolution import FullES as FullES
from replications.methods.evolution import TruncatedES as TruncatedES
from replications.methods.implicit import Hypergradient as Hypergradient
from replications.methods.implicit import hypergradient as hypergradient
from replications.methods.inverse_hessian import HypergradientWarning as HypergradientWarning
from replications.methods.lookahead import Lookahead as Lookahead
from replications.methods.mlp_hessian import MLPHessian as MLPHessian
from replications.methods.neumann import Neumann as Neumann
from replications.methods.radam import RAdam as RAdam
from replications.methods.rtrl import RTRL as RTRL
from replications.methods.unrolled import unrolled_hypergradient as unrolled_hypergradient
from replications.methods.uoro import UORO as UORO
