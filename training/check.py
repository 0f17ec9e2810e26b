"""Holds the targets of generated examples (`generate --check 100`) against the grammar that came with them."""

import json
import re
import sys

wrong = 0
for line in sys.stdin:
    example = json.loads(line)
    pattern = example.get("pattern")
    if pattern and not re.fullmatch(pattern, example["target"]):
        wrong += 1
        print(f"{example['intent']}: {example['target']}")
sys.exit(wrong > 0)
