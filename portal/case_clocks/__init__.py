"""What stops and lengthens the periods of a case: waiting for its sender, and one extension."""
