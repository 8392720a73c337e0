"""CloudFormation: stacks, their resources, what each operation did, and change sets."""
