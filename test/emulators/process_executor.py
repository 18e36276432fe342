"""Runs the functions of LocalStack as processes of Node, without docker."""

import os
import subprocess
import threading
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import ExecutorEndpoint
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor
from localstack.utils.net import get_free_tcp_port

LOOPBACK = "127.0.0.1"
PROGRAM = Path(__file__).with_name("run-function.ts")
# Variables passed to every function. The function's own variables take precedence.
INHERITED = ("PATH", "HOME", "AWS_ENDPOINT_URL_ECR", "NODE_COMPILE_CACHE")


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self.port = get_free_tcp_port()
        self.endpoint = ExecutorEndpoint(id, LOOPBACK, self.port)
        self.process = None

    def start(self, env_vars):
        self.endpoint.start()
        code = self.function_version.config.code.get_unzipped_code_location()
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {name: str(value) for name, value in env_vars.items()}
        environment |= {"LAMBDA_TASK_ROOT": str(code), "INVOKE_PORT": str(self.port)}
        with open(os.environ["FUNCTIONS_LOG"], "ab") as log:
            self.process = subprocess.Popen(["node", str(PROGRAM)], env=environment, cwd=code, stdout=log, stderr=log)
        threading.Thread(target=self.watch, args=(self.process,), daemon=True).start()
        self.endpoint.wait_for_startup()

    def watch(self, process):
        """Fails the pending calls of the function when its process ends."""
        process.wait()
        for future in (self.endpoint.startup_future, self.endpoint.invocation_future):
            if future is not None and not future.done():
                future.set_exception(RuntimeError(f"the function's process ended with {process.returncode}"))

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.endpoint.shutdown()

    def get_address(self):
        return LOOPBACK

    def get_endpoint_from_executor(self):
        return LOOPBACK

    def get_runtime_endpoint(self):
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}{self.endpoint.get_endpoint_prefix()}"

    def invoke(self, payload):
        return self.endpoint.invoke(payload)

    def get_logs(self):
        return ""

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass
