export { ExpressionEvaluator } from './evaluator.ts';
export {
  type CheckedExpression,
  checkExpression,
  type Evaluation,
  expressionHash,
  type WantedType,
} from './expression.ts';
