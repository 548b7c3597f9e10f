import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const globals = Object.fromEntries(['process', 'console', 'URL', 'Buffer', 'performance', 'setTimeout'].map((name) => [name, 'readonly']))

export default tseslint.config(
  { ignores: ['node_modules', 'runs', 'coverage', '.cache', '**/*.d.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowArray: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Spreading text that is known to be plain is how it is taken apart.
      '@typescript-eslint/no-misused-spread': ['error', { allow: [{ from: 'lib', name: 'string' }, 'string'] }],
      // Interfaces that plugins merge into are empty where they are declared, and so are records of no needs.
      '@typescript-eslint/no-empty-object-type': 'off',
      '@typescript-eslint/no-generated-empty-object-type': 'off',
      // `keyof Catalog & string` is wider where no plugin is in sight.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      // With `noUncheckedIndexedAccess`, `!` states what a shape or a name guarantees.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Contracts are asynchronous; an implementation that happens to be quick is still async.
      '@typescript-eslint/require-await': 'off',
      // Components are closures: their methods have no `this`.
      '@typescript-eslint/unbound-method': 'off',
      // `void` marks a result that is dropped on purpose, whatever its type.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      // A parameter that occurs once still names what a caller may state.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      // Classes are compared by shape, and `Object.create` of one is one.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'object-shorthand': 'error',
    },
  },
  {
    // Tests read what comes back from JSON, matchers and mocks; types there are what the test is about to find out.
    files: ['**/*.test.ts', '**/testing.ts', 'test/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // Where tfjs itself is driven: `instanceof tf.Tensor` narrows to Tensor<any>, and its types promise more than its kernels keep.
    files: ['plugins/services/engine/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  { files: ['hosts/cli/**', 'test/bench/**', 'docs/examples/**', '**/*.js', '**/*.mjs'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals } },
)
