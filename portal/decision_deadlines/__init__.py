"""The clocks of publication: what runs late."""
