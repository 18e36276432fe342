"""
The embedded container engine: runs a container by the kernel's namespaces alone.

    main.py run NAME          orders on descriptor 0, reports on descriptor 3 (container.py)
    main.py unpack FOLDER     a layer on descriptor 0 (unpack.py)
    main.py remove FOLDER     a folder with its content (trees.py)
    main.py clean PREFIX      control groups of containers whose launcher was killed
"""
import os
import sys

# Isolated mode (-I) omits the script's own folder.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def main(command, argument):
    if command == 'run':
        from container import run
        # Skips Python's clean-up: nothing is left to flush.
        os._exit(run(argument))
    if command == 'unpack':
        from kernel import KernelError
        from refusals import explain
        from unpack import unpack
        try:
            return unpack(argument)
        except KernelError as error:
            raise SystemExit(explain(error)) from None
    if command == 'remove':
        from trees import remove_tree
        return remove_tree(argument)
    if command == 'clean':
        from limits import remove_groups
        from users import Host
        return remove_groups(argument, Host().is_root)
    raise SystemExit(__doc__)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
