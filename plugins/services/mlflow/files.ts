import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A figure's name as that of a file. */
export const fileName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '-')

/** Every file below a folder of a run, as paths from the run's folder; none where there is no such folder. */
export const filesBelow = (folder: string, below: string): string[] =>
  existsSync(join(folder, below))
    ? readdirSync(join(folder, below), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(folder.length + 1)
            .replaceAll('\\', '/'),
        )
    : []
