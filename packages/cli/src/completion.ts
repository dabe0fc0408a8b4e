import { Argument, type Command } from 'commander'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { readTree } from './completion/tree.ts'
import { zshCompletion } from './completion/zsh.ts'

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

type Shell = keyof typeof shells

/** `geartrain completion`: made of the commands themselves, so it knows all of them. */
export function completionCommand(program: Command): Command {
  return program
    .createCommand('completion')
    .copyInheritedSettings(program)
    .description('print what makes a shell complete commands and flags')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      `
Put one of these into the file that the shell reads at its start:
  source <(geartrain completion bash)         ~/.bashrc
  source <(geartrain completion zsh)          ~/.zshrc, after compinit
  geartrain completion fish | source          ~/.config/fish/config.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(shells[shell](readTree(program)))
    })
}
