import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'src/**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } } },
    rules: {
      // Numbers in messages are what a message is for.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-empty-function': 'off',
      // The page asks for what a browser may lack, though TypeScript's library says it is always there.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // JavaScript's own name for "some object with a constructor".
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
)
