"""What a running server looks like in a terminal."""
