/** Load of this process: of all its threads since the last reading, in percent of one core, and resident memory. */
export class Meter {
  #cpu = process.cpuUsage()
  #time = performance.now()

  /** Names of MLflow's page for system metrics. */
  read(): Record<string, number> {
    const { user, system } = process.cpuUsage(this.#cpu)
    const milliseconds = Math.max(1, performance.now() - this.#time)
    this.#cpu = process.cpuUsage()
    this.#time = performance.now()
    return {
      'system/cpu_utilization_percentage': (user + system) / 10 / milliseconds,
      'system/resident_memory_megabytes': process.memoryUsage.rss() / 2 ** 20,
    }
  }
}
