// A server that takes everything and answers at once: what a tracker costs by itself. Prints its port.
import { createServer } from 'node:http'

const run = { info: { run_id: 'r', experiment_id: '1', artifact_uri: 'mlflow-artifacts:/1/r/artifacts', status: 'RUNNING', start_time: 0 } }
const answers = [
  [/experiments\/get-by-name/, { experiment: { experiment_id: '1', name: 'sink' } }],
  [/runs\/create/, { run }],
]

const server = createServer((request, reply) => {
  const answer = JSON.stringify(answers.find(([path]) => path.test(request.url))?.[1] ?? {})
  request.resume().on('end', () => reply.end(answer))
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
