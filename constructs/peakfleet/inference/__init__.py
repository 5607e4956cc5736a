"""Inference: servers of a model, on Inferentia2 first.

In: an archive of the model for each chip, pools, options. Out: an `InferenceFleet`: a load
balancer, a `BurstFleet` behind it, and alarms on what the chips report.

Read `inference_fleet` first; `endpoint` is how clients reach it, `model` what is served,
`neuron_boot` how machines boot, `neuron_watch` what their chips report.
"""

from peakfleet.inference.endpoint import Endpoint
from peakfleet.inference.inference_fleet import InferenceFleet
from peakfleet.inference.model import MODEL_FOLDER, Model
from peakfleet.inference.neuron_boot import NEURON_NAMESPACE
