"""Runs the example task once, by the client that openapi-python-client generates.

Arguments: folder of the generated package, base URL, bundle. Every module of the package is imported first.
"""

import importlib
import io
import pathlib
import pkgutil
import sys
import time

package_folder, base_url, bundle = sys.argv[1:]
sys.path.insert(0, package_folder)

import cytomine_app_engine_client as package  # noqa: E402

modules = [module.name for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for module in modules:
    importlib.import_module(module)

from cytomine_app_engine_client.api.runs import (  # noqa: E402
    change_run_state,
    delete_run,
    download_output,
    download_outputs,
    get_run,
    list_outputs,
    provision_inputs,
)
from cytomine_app_engine_client.api.tasks import create_run_by_name, list_tasks, upload_task  # noqa: E402
from cytomine_app_engine_client.models import (  # noqa: E402
    DesiredState,
    DesiredStateDesired,
    Error,
    ImportedTask,
    NamedInputValue,
    UploadTaskFilesBody,
)
from cytomine_app_engine_client.types import File  # noqa: E402

PATIENCE_SECONDS = 120
INPUTS = {"a": 2, "b": 40, "text": "from Python"}

client = package.Client(base_url=base_url.rstrip("/"), follow_redirects=True, timeout=60)

file = File(payload=io.BytesIO(pathlib.Path(bundle).read_bytes()), file_name="bundle.zip", mime_type="application/zip")
uploaded = upload_task.sync(client=client, body=UploadTaskFilesBody(task=file))
# The TypeScript client may have uploaded the task before.
is_there = isinstance(uploaded, ImportedTask) or (isinstance(uploaded, Error) and uploaded.error_code == "APPE-internal-task-exists")
assert is_there, uploaded

task = next(one for one in list_tasks.sync(client=client) if one.namespace == "org.example.add-and-echo")
run = create_run_by_name.sync(client=client, namespace=task.namespace, version=task.version)
values = [NamedInputValue(parameter_name=name, value=value) for name, value in INPUTS.items()]
provisioned = provision_inputs.sync(run.id, client=client, body=values)
assert [one.parameter_name for one in provisioned] == list(INPUTS), provisioned

silent = provision_inputs.sync_detailed(run.id, client=client, body=values, prefer="return=minimal")
assert (silent.status_code, silent.content) == (204, b""), silent

started = change_run_state.sync(run.id, client=client, body=DesiredState(desired=DesiredStateDesired.RUNNING))
assert started.status == "success", started
give_up_at = time.monotonic() + PATIENCE_SECONDS
while (state := str(get_run.sync(run.id, client=client).state)) not in ("FINISHED", "FAILED"):
    assert time.monotonic() < give_up_at, f"the run is still {state} after {PATIENCE_SECONDS} s"
    time.sleep(0.2)
assert state == "FINISHED", state

outputs = {one.parameter_name: one.value for one in list_outputs.sync(run.id, client=client)}
assert outputs == {"sum": 42, "echo": "from Python"}, outputs
assert download_output.sync(run.id, "echo", client=client).payload.read().decode().strip() == "from Python"
assert download_outputs.sync(run.id, client=client).payload.read()[:2] == b"PK"
assert isinstance(get_run.sync("5a4d7f0e-1111-4c4c-9c9c-0123456789ab", client=client), Error)
delete_run.sync_detailed(run.id, client=client)
print(f"Python: {len(modules)} modules imported, run FINISHED with {outputs}")
