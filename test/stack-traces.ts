// Set-up of every test file. Ten frames end within the client of the API server: they don't tell who made the call.
Error.stackTraceLimit = 30;
