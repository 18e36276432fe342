"""
Orders of the Batch server for one container: fields `name=value`, a NUL after each.

    image, scratch, user, workingDirectory, hostName    once each
    hasNetwork, memoryBytes, cpus                       once each, or absent
    processes                                           once: the maximum number of processes
    word, variable                                      once for each word of the command and each `NAME=value`
    volume, source, target                              for each volume in turn; `volume` is `ro` or `rw`
"""
import os

_NUMBERS = {'processes': int, 'memoryBytes': int, 'cpus': float}


def read_orders(descriptor):
    """Reads all fields of a descriptor, until its end."""
    orders = {'words': [], 'environment': {}, 'volumes': [], 'limits': {}, 'hasNetwork': False}
    with open(descriptor, 'rb', closefd=False) as file:
        fields = os.fsdecode(file.read()).split('\0')
    for field in fields[:-1]:
        name, _, value = field.partition('=')
        if name in _NUMBERS:
            orders['limits'][name] = _NUMBERS[name](value)
        elif name == 'word':
            orders['words'].append(value)
        elif name == 'variable':
            variable, _, text = value.partition('=')
            orders['environment'][variable] = text
        elif name == 'volume':
            orders['volumes'].append({'readOnly': value == 'ro'})
        elif name in ('source', 'target'):
            orders['volumes'][-1][name] = value
        else:
            orders[name] = True if name == 'hasNetwork' else value
    return orders
