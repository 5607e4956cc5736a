"""The reference deployment: one line per stack. Settings stand in `cdk.json`."""

import aws_cdk as cdk

from stacks.context import cdk_json_context, settings_from_context
from stacks.inference import InferenceStack
from stacks.media import MediaStack
from stacks.network import NetworkStack
from stacks.storage import StorageStack
from stacks.training import TrainingStack

app = cdk.App(context=cdk_json_context())
settings = settings_from_context(app.node)
network = NetworkStack(app, "Network", settings=settings)
StorageStack(app, "Storage", settings=settings, network=network)
MediaStack(app, "Media", settings=settings, network=network)
if settings.inference is not None:
    InferenceStack(app, "Inference", settings=settings.inference, app=settings, network=network)
if settings.training is not None:
    TrainingStack(app, "Training", settings=settings.training, network=network)
cdk.Tags.of(app).add("application", "peakfleet-reference")
cdk.Tags.of(app).add("environment", settings.environment)
app.synth()
