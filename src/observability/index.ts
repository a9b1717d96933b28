export { createLogger, LOG_LEVELS, type Logger, type LogLevel, silentLogger } from './logger.ts';
