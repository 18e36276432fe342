"""Runs the engine of LocalStack, listening on the loopback only. Needs Python 3.13 or newer.

The engine ends when the process that started it ends.
"""

import functools
import os
import signal
import threading
import time

from twisted.internet import endpoints

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 1


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def run_functions_as_processes() -> None:
    from localstack.services.lambda_.invocation.plugins import DockerRuntimeExecutorPlugin
    from process_executor import ProcessExecutor

    DockerRuntimeExecutorPlugin.load = lambda self, *args, **kwargs: ProcessExecutor


def forward_tables(address: str) -> None:
    """Forwards DynamoDB and its streams to another emulator, because the licence of DynamoDB Local does not allow its use here."""
    from localstack.aws.api.dynamodb import DynamodbApi
    from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
    from localstack.aws.forwarder import HttpFallbackDispatcher
    from localstack.services import providers
    from localstack.services.plugins import Service, aws_provider

    def forward(name: str, api: type):
        @aws_provider(api=name)
        def forwarding():
            provider = type("Provider", (api,), {})()
            return Service.for_provider(
                provider,
                dispatch_table_factory=lambda given: HttpFallbackDispatcher(given, lambda account, region: address),
            )

        setattr(providers, name, forwarding)

    forward("dynamodb", DynamodbApi)
    # LocalStack's own provider offers only streams of tables that LocalStack itself serves.
    forward("dynamodbstreams", DynamodbstreamsApi)


def evaluate_jsonata_in_python() -> None:
    """Spares LocalStack a download of Java and its JSONata evaluator. jsonata-python is by the authors of that evaluator."""
    from jsonata import Jsonata
    from localstack.services.stepfunctions.asl.jsonata import jsonata

    def evaluate(expression):
        try:
            return Jsonata(expression).evaluate(None)
        except Exception as error:
            raise jsonata.JSONataException("UNKNOWN", str(error)) from error

    jsonata._eval_jsonata = evaluate


def main() -> None:
    # LocalStack's server ignores the host in GATEWAY_LISTEN (runtime/server/twisted.py: "TODO: interface = host?").
    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface=LOOPBACK)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()

    # Address of the emulator that serves DynamoDB. Set only when the whole stack is deployed.
    if "OTHER_EMULATOR" in os.environ:
        run_functions_as_processes()
        forward_tables(os.environ["OTHER_EMULATOR"])
        evaluate_jsonata_in_python()

    from localstack.runtime import main as runtime

    runtime.main()


if __name__ == "__main__":
    main()
