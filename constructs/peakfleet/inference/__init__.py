"""InferenceFleet."""

from peakfleet.inference.endpoint import Endpoint
from peakfleet.inference.inference_fleet import InferenceFleet
from peakfleet.inference.model import MODEL_FOLDER, Model
from peakfleet.inference.neuron_boot import NEURON_NAMESPACE, CommandsOf

__all__ = [
    "MODEL_FOLDER",
    "NEURON_NAMESPACE",
    "CommandsOf",
    "Endpoint",
    "InferenceFleet",
    "Model",
]
